import { conforms } from "../Conformance.ts"

conforms("fastify", "/im")
