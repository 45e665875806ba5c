import type { Place, Reason } from "./reason.ts";
import type { NoAnswer } from "./silence.ts";

/** Why there was no whole answer, in words for people. */
export function silenceReason(none: NoAnswer, place: Place): Reason {
  const host = new URL(place.serverUrl).host;
  const port = new URL(place.serverUrl).protocol === "https:" ? 443 : 80;
  const address = host.includes(":") ? host : `${host}:${port}`;
  const server = { mender: "server operator", retry: true } as const;
  const author = { mender: "workflow author", retry: false } as const;
  switch (none.silence) {
    case "timeout":
      return {
        says: `${address} did not answer in time (${none.detail}).`,
        remedy: "See whether the server hangs or is overloaded.",
        ...server,
      };
    case "refused":
      return {
        says: `Nothing listens at ${address}.`,
        remedy: "Start the server, or correct `server-url`.",
        ...server,
      };
    case "unreachable":
      return {
        says: `${address} cannot be reached from this runner (${none.detail}).`,
        remedy: "Check network and firewall between the runner and the server, or correct `server-url`.",
        ...server,
      };
    case "name":
      return {
        says: `The name ${new URL(place.serverUrl).hostname} cannot be resolved on this runner (${none.detail}).`,
        remedy: "Correct `server-url`, or the runner's DNS.",
        ...server,
      };
    case "tls":
      return {
        says: `No trusted TLS connection to ${address} (${none.detail}).`,
        remedy: "Give the runner the server's certificate authority with NODE_EXTRA_CA_CERTS, or correct `server-url`.",
        ...server,
        retry: false,
      };
    case "reset":
      return {
        says: `${address} closed the connection (${none.detail}).`,
        remedy: "See whether the server or its proxy restarts.",
        ...server,
      };
    case "cut":
      return {
        says: `The answer broke off: ${none.detail}.`,
        remedy: "See whether the server or its proxy restarts.",
        ...server,
      };
    case "too-large":
      return {
        says: `The answer is longer than ${none.detail}, the most that is read.`,
        remedy: "Find the issue or file that is that long and shorten it.",
        ...author,
      };
    case "not-http":
      return {
        says: `What listens at ${address} does not speak HTTP as expected (${none.detail}).`,
        remedy: "Correct `server-url`: its port, and http or https.",
        ...author,
      };
    case "redirect":
      return {
        says: `It redirects (${none.detail}), which is not followed: the token would go to another server.`,
        remedy: "Set `server-url` to the address that the server redirects to, if it is the same server.",
        ...author,
      };
    case "requests-max":
      return {
        says: `This run has made ${none.detail}, which is its bound.`,
        remedy: "The next run goes on. If it happens again, report it with the log.",
        mender: "agent-dispatch",
        retry: true,
      };
    case "fenced":
      return {
        says: `It was not sent: ${none.detail}, and without one another run may have the item.`,
        remedy: "Nothing has to be done: it is sent once the claim is renewed.",
        ...server,
      };
    default:
      return {
        says: `The connection to ${address} failed (${none.detail}).`,
        remedy: "See whether the server runs and can be reached from this runner.",
        ...server,
      };
  }
}
