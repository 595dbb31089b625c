import { CommandsTarget } from "./commands.ts";
import { ControlTarget } from "./control.ts";
import { Fail2banTarget } from "./fail2ban.ts";
import { JournalTarget } from "./journal.ts";
import { StatesTarget } from "./states.ts";
import { TaggedTarget } from "./tagged.ts";
import type { FuzzTarget } from "./target.ts";
import { YamlTarget } from "./yaml.ts";

/** What `make fuzz FUZZ=…` takes. */
export const TARGETS: Readonly<Record<string, () => Promise<FuzzTarget>>> = {
  journal: () => JournalTarget.create(),
  fail2ban: async () => new Fail2banTarget(),
  yaml: async () => new YamlTarget(),
  commands: async () => new CommandsTarget(),
  control: () => ControlTarget.create(),
  tagged: () => TaggedTarget.create(),
  states: () => StatesTarget.create(),
};
