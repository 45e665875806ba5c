import type { Call } from "./call.ts";
import type { Refusal } from "./reply.ts";

/** The answer for an owner that nobody is: old versions name the look-up that failed. */
export function findRedirect(call: Call, login: string): Refusal {
  if (call.from27) return call.errors.notFound();
  return call.errors.notFound(`user redirect does not exist [name: ${login}]`, "GetUserByName");
}
