import { conforms } from "../Conformance.ts"
import { frameworks } from "../Mounts.ts"

conforms("Fastify", frameworks["Fastify, where its path says"])
