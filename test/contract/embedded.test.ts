import { contract } from "./contract.ts";
import { embedded } from "./grounds/embedded.ts";

for (const version of ["1.24.7", "1.26.4", "1.27.0"] as const) {
  contract(embedded(version), { besideOthers: true });
}
