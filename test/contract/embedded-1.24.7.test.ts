import { contract } from "./contract.ts";
import { embedded } from "./grounds/embedded.ts";

contract(embedded("1.24.7"));
