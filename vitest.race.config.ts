import { defineConfig } from "vitest/config";

/** Runs and people at the same time, in orders that the test chooses: CI and `npm run test:race`. */
export default defineConfig({
  test: {
    include: ["test/race/**/*.test.ts"],
    globalSetup: "test/race/count.ts",
    testTimeout: 180_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    isolate: false,
  },
});
