// What the story tells it also demands, so that a program that no longer does it ends the story with an error.

export class StoryError extends Error {}

export function demand(holds: boolean, what: string, got: unknown): void {
  if (!holds) throw new StoryError(`expected: ${what}; got: ${JSON.stringify(got)?.slice(0, 2_000)}`);
}
