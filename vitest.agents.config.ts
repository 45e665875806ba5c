import { defineConfig } from "vitest/config";

/** The real CLIs against a scripted model server: `npm run test:agents`. */
export default defineConfig({
  test: {
    include: ["test/agents/**/*.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 60_000,
    // Each test is one CLI that mostly waits.
    maxWorkers: 1,
    maxConcurrency: 3,
  },
});
