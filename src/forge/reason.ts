import type { Mender } from "../errors.ts";
import type { Answer } from "./http.ts";
import { isSpeechless } from "./retry.ts";
import { isPage } from "./words.ts";

/** Where the requests go, for the texts. */
export interface Place {
  /** Address without `/api/v1`. */
  serverUrl: string;
  /** `owner/name`. */
  repository: string;
  /** Taken out of every text. */
  token: string;
}

/** What went wrong in words for people, and who can mend it. */
export interface Reason {
  says: string;
  remedy: string;
  mender: Mender;
  retry: boolean;
}

/** All that the bot's token needs. */
export const neededScopes = "write:repository, write:issue and read:user";

/** What a status means, whatever the call. */
export function answerReason(answer: Answer, words: string, place: Place): Reason {
  const { status } = answer;
  // Proxies speak in pages when they refuse: 413, 429 and 5xx are theirs as well as Gitea's.
  if (isPage(answer.headers) && status < 500 && status !== 413 && status !== 429) {
    return {
      says: `It answered ${contentType(answer)}, not JSON: is \`server-url\` the address of a Gitea server?`,
      remedy: `Set \`server-url\` to the address under which the runner reaches Gitea; it is ${place.serverUrl} now.`,
      mender: "workflow author",
      retry: false,
    };
  }
  switch (status) {
    case 401:
      return {
        says: "The token is wrong, expired or revoked, or it belongs to another server.",
        remedy: `Put a token of the bot account on ${place.serverUrl} into the workflow's secret. (A job's own token ends with its job.)`,
        mender: "workflow author",
        retry: false,
      };
    case 403:
      return forbidden(words, place);
    case 404:
      return {
        says: `It does not exist, or the token's account may not see it, in ${place.repository}.`,
        remedy:
          "Check the repository's name, that the bot account has access to it, and that issues and pull requests are switched on.",
        mender: "workflow author",
        retry: false,
      };
    case 405:
      return {
        says: "This server does not know the call.",
        remedy: "Update the server to Gitea 1.22 or newer.",
        mender: "server operator",
        retry: false,
      };
    case 413:
      return {
        says: "A proxy before the server refuses requests of this length.",
        remedy: "Raise the proxy's limit of request bodies.",
        mender: "server operator",
        retry: false,
      };
    case 423:
      return {
        says: `${place.repository} is archived: nothing can be written in it.`,
        remedy: "Un-archive the repository, or take the workflow out of it.",
        mender: "workflow author",
        retry: false,
      };
    case 429:
      return {
        says: "The server asks for fewer requests.",
        remedy: "Run the workflow less often, or raise the limit of the server or its proxy.",
        mender: "server operator",
        retry: true,
      };
    default:
      return status >= 500 ? broken(answer) : refused(answer);
  }
}

/** Gitea names what a token lacks: `required scope(s), required=[write:repository], token scope=read:repository`; 1.22 only the first. */
const missingScopes = /required scope\(s\)(?:, required=|: ?)\[([^\]]*)\](?:, token scope=(.*))?$/;

function forbidden(words: string, place: Place): Reason {
  const missing = missingScopes.exec(words);
  if (missing !== null) {
    const has = missing[2] === undefined || missing[2] === "" ? "" : `; it has ${missing[2]}`;
    return {
      says: `The token lacks the scope ${missing[1]}${has}.`,
      remedy: `Give the token the scopes ${neededScopes}.`,
      mender: "workflow author",
      retry: false,
    };
  }
  return {
    says: `The token's account may not do this in ${place.repository}.`,
    remedy: `Give the bot account write access to the repository, and its token the scopes ${neededScopes}.`,
    mender: "workflow author",
    retry: false,
  };
}

function broken(answer: Answer): Reason {
  const overloaded = answer.status === 502 || answer.status === 503 || answer.status === 504;
  return {
    says: overloaded
      ? "The server, or a proxy before it, is down or overloaded."
      : isSpeechless(answer)
        ? "The server failed without saying why."
        : "The server failed.",
    remedy: overloaded ? "Wait for it, or look after the server." : "The server's log has the reason.",
    mender: "server operator",
    retry: true,
  };
}

function refused(answer: Answer): Reason {
  if (answer.status < 300) {
    return {
      says: `It answered ${contentType(answer)}, not JSON: is \`server-url\` the address of a Gitea server?`,
      remedy: "Set `server-url` to the address under which the runner reaches Gitea.",
      mender: "workflow author",
      retry: false,
    };
  }
  return {
    says: "The forge understood and refused.",
    remedy: "If its words do not say what to change, report this with the server's version.",
    mender: "agent-dispatch",
    retry: false,
  };
}

function contentType(answer: Answer): string {
  const type = (answer.headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
  return type === "" ? "no content type" : type;
}
