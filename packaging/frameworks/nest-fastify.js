import { FastifyAdapter } from "@nestjs/platform-fastify"
import { startNest } from "./nest/nest.js"

export const start = (parley) => startNest(parley, new FastifyAdapter({ forceCloseConnections: true }))
