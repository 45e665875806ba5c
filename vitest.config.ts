import { defineConfig } from "vitest/config";

/** Unit tests are those that need neither the bundle nor a second process but git; the others live in the folders named below. */
const slow = [
  "test/e2e/**",
  "test/contract/**",
  "test/recorded/**",
  "test/bundle/**",
  "test/run/**",
  "test/stories/**",
  "test/recovery/**",
  "test/crash/**",
  "test/race/**",
  "test/support/**",
  "test/simulation/**",
  "test/agents/**",
];

export default defineConfig({
  test: {
    // Most tests wait for processes of their own; by default a machine of two cores gets one worker, and three keep it busy.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: slow,
          isolate: false,
          // They take milliseconds, most of them; a machine that is busy with something else must not turn them red.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "contract",
          include: [
            ...["test/contract/**/*.test.ts", "test/recorded/**/*.test.ts", "test/support/forge/**/*.test.ts"],
            "test/simulation/**/*.test.ts",
          ],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      { test: { name: "run", include: ["test/run/**/*.test.ts"], testTimeout: 60_000 } },
      {
        // One story per way in, on the embedded forge, with the real runner where `npm run tools` has built it (the whole loop plays the demo). All of them: npm run test:e2e.
        test: {
          name: "ways-in",
          include: ["test/e2e/main.test.ts", "test/e2e/act.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
      { test: { name: "bundle", include: ["test/bundle/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 120_000 } },
    ],
  },
});
