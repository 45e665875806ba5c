// How a world has to end after runs that came in each other's way, or in which people acted.

import { difference, forgiven } from "../support/difference.ts";
import { expectLawful } from "../support/lawful.ts";
import { picture } from "../support/picture.ts";
import { untilRest } from "../support/rest.ts";
import type { End } from "../support/run.ts";
import type { Opened } from "./world.ts";

/**
 * Later runs bring the world to where it comes without the accident; then nothing in it is doubled or held. `ends`: of the runs before. `forgive`
 * takes out of a picture of it what may differ besides.
 */
export async function expectSameEnd(
  { scene, milestones }: Opened,
  ends: readonly End[],
  forgive: (picture: string) => string = (picture) => picture,
): Promise<void> {
  let nearest = "";
  const wanted = milestones.map(forgive);
  const lines = await untilRest(scene, async () => {
    const now = forgive(forgiven(await picture(scene.s)));
    const [differs = ""] = wanted.map((one) => difference(one, now)).sort((a, b) => a.length - b.length);
    nearest = differs;
    return differs === "";
  });
  const said = [...ends.map(({ lastLine }) => lastLine), ...lines].join("\n");
  if (nearest !== "") throw new Error(`the world came elsewhere:\n${nearest}\n${said}`);
  await expectLawful(scene.s);
}

/** Runs `play`; what goes wrong in it says how it is played again. */
export async function replayable<T>(line: string, play: () => Promise<T>): Promise<T> {
  try {
    return await play();
  } catch (error) {
    if (error instanceof Error) error.message += `\n\nplay it again: ${line}`;
    throw error;
  }
}

/** Everything that a write on the forge could change. */
export async function everything({ scene: { s } }: Opened): Promise<string> {
  return `${await s.photo()}\n${await picture(s)}`;
}
