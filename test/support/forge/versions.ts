/** The Gitea versions whose behaviour was recorded. */
export type ForgeVersion = "1.24.7" | "1.26.4" | "1.27.0";

/** What differs between the versions, by the release that brought it. */
export interface Features {
  version: ForgeVersion;
  /** 1.25/1.26: `actions/runs`, `PUT branches`, `content_version`, shorter texts, totals on more lists. */
  from26: boolean;
  /** 1.27: `POST issues/N/assignees`, `workflows/{file}/runs`, run attempts, causes instead of "not found". */
  from27: boolean;
}

export function featuresOf(version: ForgeVersion): Features {
  return { version, from26: version !== "1.24.7", from27: version === "1.27.0" };
}
