// The smallest application that can say that it is well: what bench/kubernetes.py rolls out.
package main

import (
	"log"
	"net/http"
)

func main() {
	well := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	log.Fatal(http.ListenAndServe(":8080", well))
}
