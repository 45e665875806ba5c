// Objects as git cat-file --batch shows them.

/** One object as `cat-file --batch` shows it; undefined when it is missing. */
export type BatchObject = { type: string; content: Buffer } | undefined;

/** Reads the answer of `cat-file --batch`, in the order asked. */
export function readBatch(answer: Buffer): BatchObject[] {
  const objects: BatchObject[] = [];
  for (let at = 0; at < answer.length; ) {
    const lineEnd = answer.indexOf(10, at);
    if (lineEnd < 0) break;
    const [, type, size] =
      /^[0-9a-f]{40,64} ([a-z]+) (\d+)$/.exec(answer.subarray(at, lineEnd).toString("latin1")) ?? [];
    at = lineEnd + 1;
    if (type === undefined || size === undefined) {
      objects.push(undefined);
      continue;
    }
    objects.push({ type, content: answer.subarray(at, at + Number(size)) });
    at += Number(size) + 1;
  }
  return objects;
}
