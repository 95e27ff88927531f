import { conforms } from "../Conformance.ts"

conforms("express", "/im")
