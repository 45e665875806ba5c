// One play of a scene's next run without any accident: what it sends, and the world that it leaves.

import type { Memory } from "../forge/forge.ts";
import { picture } from "../picture.ts";
import type { Stage } from "../run.ts";
import type { Scene } from "../scenes.ts";
import { numbering, type Sending } from "./sendings.ts";
import { stillTime } from "./still-time.ts";

export interface Played {
  scene: Scene;
  /** The world before the run. */
  memory: Memory;
  sendings: readonly Sending[];
  /** The world after it. */
  end: string;
}

export async function play(scene: Scene): Promise<Played> {
  const { s } = scene;
  const memory = s.forge.remember();
  const start = await scene.next();
  const sendings: Sending[] = [];
  const number = numbering();
  s.forge.faults.add({
    when(request) {
      sendings.push(number(request));
      return false;
    },
    ...{ times: 1, do: "pass" },
  });
  const end = await s.start({ ...start, clock: stillTime(s).clock });
  if (end.exitCode !== 0) throw new Error(`${end.lastLine}\n${end.log}`);
  return { scene, memory, sendings, end: await worldOf(s) };
}

/** As a picture that two plays of the same run share. */
export async function worldOf(s: Stage): Promise<string> {
  return (await picture(s)).replace(/(\\"nonce\\":)\\"[0-9a-f-]*\\"/g, "$1<nonce>");
}
