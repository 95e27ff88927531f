import { conforms } from "../Conformance.ts"
import { frameworks } from "../Mounts.ts"

conforms("Express", frameworks["Express, below its mount path, a parser behind it"])
