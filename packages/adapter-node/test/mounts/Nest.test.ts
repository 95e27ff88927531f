import { conforms } from "../Conformance.ts"
import { frameworks } from "../Mounts.ts"

conforms("Nest", frameworks["Nest, with a global prefix"])
