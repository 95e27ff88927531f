import { ExpressAdapter } from "@nestjs/platform-express"
import { startNest } from "./nest/nest.js"

export const start = (parley) => startNest(parley, new ExpressAdapter())
