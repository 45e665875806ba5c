/** A scripted model server on loopback; its manual is the head of stub-model.mjs. */
export function startStub(options: {
  port?: number;
  scenarios?: unknown;
}): Promise<{ url: string; requests: readonly { path: string; scenario: string }[]; close(): Promise<void> }>;
