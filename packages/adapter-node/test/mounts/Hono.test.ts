import { conforms } from "../Conformance.ts"
import { frameworks } from "../Mounts.ts"

conforms("Hono", frameworks["Hono, as a middleware"])
