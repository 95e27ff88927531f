import { conforms } from "../Conformance.ts"

conforms("node-http", "/im")
