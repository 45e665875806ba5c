/** Major and minor number of a server. */
export interface Release {
  major: number;
  minor: number;
}

/** Reads `1.26.4`, `1.26.0+12-gabc` and Forgejo's `9.0.3+gitea-1.22.0`; what cannot be read counts as newer than everything: `development`. */
export function releaseOf(version: string): Release {
  const gitea = /gitea-(\d+)\.(\d+)/.exec(version) ?? /^(\d+)\.(\d+)/.exec(version);
  if (gitea === null) return { major: Number.POSITIVE_INFINITY, minor: 0 };
  return { major: Number(gitea[1]), minor: Number(gitea[2]) };
}

/** Whether a server is older than `1.<minor>`. A hint for what cannot be probed. */
export function isBefore(version: string, minor: number): boolean {
  const release = releaseOf(version);
  return release.major < 1 || (release.major === 1 && release.minor < minor);
}
