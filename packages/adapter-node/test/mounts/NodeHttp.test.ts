import { conforms } from "../Conformance.ts"
import { frameworks } from "../Mounts.ts"

conforms("node:http", frameworks["node:http"])
