// Variables by which the command line tells the tests what to do.

/** `url` or `programs`: only the servers named on the command line, whatever else the environment names. */
export const onlyNamed = "CONTRACT_ONLY";

/** The existing server has no runner. */
export const withoutRunner = "CONTRACT_WITHOUT_RUNNER";

/** Also what takes a real server most of a minute. */
export const longLists = "CONTRACT_LONG";
