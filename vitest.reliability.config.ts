import { defineConfig } from "vitest/config";

/** Real processes that are killed, put to sleep and raced, and servers that go down under them: `npm run test:reliability`. */
export default defineConfig({
  test: {
    include: ["test/e2e/reliability-*.test.ts"],
    testTimeout: 600_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    maxConcurrency: 4,
  },
});
