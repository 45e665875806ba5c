/** Second prompt of an author whose work did not pass the checks. A repository replaces it with `.agent-dispatch/checks-failed.md`. */
export const checksFailedPrompt = `Your change for issue #{{item}} ("{{title}}") is in this clone, but the checks did not pass on it. They were run in a fresh clone of exactly
what you left behind, so files that git ignores or that you did not save are missing there.

Mend the cause. Do not weaken the check. When you are done, write \`{{resultFile}}\` again as before (the same form, brought up to date).
You have {{minutes}} minutes.

Command: \`{{command}}\`
Exit code: {{exitCode}}
End of its output:

{{output}}
`;
