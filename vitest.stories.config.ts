import { defineConfig } from "vitest/config";

/** Every story by whole runs on the embedded forge, each told by event and found by a tick: too long for `npm test`, so CI and `npm run test:stories`. */
export default defineConfig({
  test: {
    include: ["test/stories/**/*.test.ts", "test/recovery/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
