import { once } from "node:events";

const chunk = Buffer.alloc(65_536, "x".repeat(127).concat("\n"));
for (let left = Number(process.argv[2]); left > 0; left -= chunk.length)
  if (!process.stdout.write(chunk)) await once(process.stdout, "drain");
