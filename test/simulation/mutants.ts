// Deliberately broken variants of the program, to show that the simulation finds what it is made for. Each replaces text that must stand exactly once
// in its file; where the program has moved on, loading it fails, and the edit is to be brought up to date.

export interface Edit {
  /** Below the repository. */
  file: string;
  find: string;
  replace: string;
}

export interface Mutant {
  name: string;
  /** What is broken, in a few words. */
  breaks: string;
  edits: readonly Edit[];
}

export const mutants: readonly Mutant[] = [];
