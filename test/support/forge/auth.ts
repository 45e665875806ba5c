import type { Asker } from "./access.ts";
import type { Token } from "./model.ts";
import type { Refusal } from "./reply.ts";
import type { World } from "./world.ts";

/** Who sends these headers; `bad` carries the 401 of a REST call with a credential that nobody has. */
export type Identity = { kind: "known"; asker: Asker } | { kind: "nobody" } | { kind: "bad"; refusal: Refusal };

export function identify(world: World, authorization: string | undefined): Identity {
  if (authorization === undefined || authorization === "") return { kind: "nobody" };
  const [scheme = "", rest = ""] = splitOnce(authorization.trim(), " ");
  switch (scheme.toLowerCase()) {
    case "token":
    case "bearer":
      return byToken(world, rest.trim(), "");
    case "basic": {
      const [name, password] = splitOnce(Buffer.from(rest, "base64").toString(), ":");
      const byPassword = byToken(world, password, name);
      return byPassword.kind === "known" ? byPassword : preferName(world, name, byPassword);
    }
    default:
      return { kind: "nobody" };
  }
}

/** A token may also stand in the place of the user name. */
function preferName(world: World, name: string, otherwise: Identity): Identity {
  const byName = byToken(world, name, "");
  return byName.kind === "known" ? byName : otherwise;
}

function byToken(world: World, value: string, name: string): Identity {
  const token = world.tokens.find((candidate) => candidate.value === value);
  if (token && isAlive(token)) return { kind: "known", asker: { user: token.user, token } };
  return { kind: "bad", refusal: world.errors.error(401, refusalText(world, name)) };
}

/** The automatic token dies with its run. */
function isAlive(token: Token): boolean {
  return token.run === undefined || token.run.status === "running";
}

function refusalText(world: World, name: string): string {
  if (world.features.from26) return "invalid username, password or token";
  const user = name === "" ? undefined : world.findUser(name);
  if (user) return `user's password is invalid [uid: ${user.id}, name: ${user.login}]`;
  return `user does not exist [uid: 0, name: ${name}]`;
}

function splitOnce(source: string, mark: string): [string, string] {
  const at = source.indexOf(mark);
  return at < 0 ? [source, ""] : [source.slice(0, at), source.slice(at + mark.length)];
}
