import { defineConfig } from "vitest/config";

/** Runs stopped at every call, and what later runs make of it: CI and `npm run test:crash`. */
export default defineConfig({
  test: {
    include: ["test/crash/**/*.test.ts", "test/support/gate/**/*.test.ts"],
    globalSetup: "test/crash/count.ts",
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    isolate: false,
  },
});
