/** Measurements other than scenarios. */
import type { Experiment } from "../Experiment.ts"
import { catchUp } from "./CatchUp.ts"
import { cold } from "./Cold.ts"
import { commits } from "./Commits.ts"
import { embed } from "./Embed.ts"
import { history } from "./History.ts"
import { micro } from "./Micro.ts"
import { nodes } from "./Nodes.ts"
import { postgres } from "./Postgres.ts"
import { rows } from "./Rows.ts"
import { storm } from "./Storm.ts"
import { tenants } from "./Tenants.ts"

export const experiments: ReadonlyArray<Experiment> = [
  commits,
  history,
  rows,
  storm,
  tenants,
  cold,
  catchUp,
  micro,
  embed,
  nodes,
  postgres
]
