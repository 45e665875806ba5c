// Where settings are read from: the step's inputs, the policy file, and the environment that profiles take credentials from.

import type { Reader } from "./reader.ts";

export interface Source {
  /** Reads inputs first, then the policy file, and gathers the problems of both. */
  reader: Reader;
  /** Top-level keys of the policy file, unchecked but for their names; empty where there is no file. */
  yaml: Readonly<Record<string, unknown>>;
  /** The policy file's path, for error texts. */
  path: string;
  environment: Environment;
}

export type Environment = Readonly<Record<string, string | undefined>>;
