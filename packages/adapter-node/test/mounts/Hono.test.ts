import { conforms } from "../Conformance.ts"

conforms("hono", "/im")
