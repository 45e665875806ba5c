import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";

const file = process.env.AGENT_DISPATCH_RESULT;
const ways = {
  broken: () => writeFileSync(file, '{"status": "implemented",'),
  huge: () => writeFileSync(file, JSON.stringify({ status: "implemented", body: "x".repeat(2_000_000) })),
  // To a file that would be a good result, so that nothing but the link is wrong with it.
  symlink: () => {
    writeFileSync(`${file}.elsewhere`, '{"status": "implemented"}');
    symlinkSync(`${file}.elsewhere`, file);
  },
  folder: () => mkdirSync(file),
  pipe: () => execFileSync("mkfifo", [file]),
  empty: () => writeFileSync(file, ""),
};
ways[process.argv[2]]();
console.log("done");
