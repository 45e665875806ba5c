// How far an agent is, in the item's status comment: written once a minute at most, best effort. One write at a time, and none is under way any more
// when `end` answers, so that none can come after what is said of the end.

import { findMarker } from "../core/marker.ts";
import { isProgram } from "../core/model.ts";
import type { Redact } from "../core/redact.ts";
import { withProgress } from "../core/report.ts";
import { describe } from "../errors.ts";
import type { EffectPorts } from "./effects.ts";

export interface Progress {
  show(line: string): void;
  end(): Promise<void>;
}

export function progressOn(ports: EffectPorts, issue: number, redact: Redact): Progress {
  const { forge } = ports;
  let found: { id: number; body: string } | undefined;
  let underWay: Promise<void> | null = null;
  const write = async (line: string) => {
    try {
      found ??= (await forge.comments(issue))
        .filter(({ author, body }) => isProgram(ports, author) && findMarker(body, "status") !== null)
        .sort((a, b) => a.id - b.id)[0];
      if (found === undefined) return;
      await ports.fence();
      await forge.editComment(found.id, withProgress(found.body, line));
    } catch (error) {
      ports.log(`the progress could not be shown: ${describe(error)}`);
    } finally {
      underWay = null;
    }
  };
  return {
    show(line) {
      underWay ??= write(redact(line));
    },
    async end() {
      await underWay;
    },
  };
}
