import { conforms } from "../Conformance.ts"

conforms("nest", "/api/im")
