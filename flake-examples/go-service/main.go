// The clock service answers /zone/<name> with the time there.
package main

import (
	"flag"
	"log"
	"net/http"
	"strings"
	"time"
)

// timeIn gives the time in a zone as people read it.
func timeIn(zone string, now time.Time) (string, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return "", err
	}
	return now.In(location).Format("15:04 MST"), nil
}

func answer(w http.ResponseWriter, r *http.Request) {
	text, err := timeIn(strings.TrimPrefix(r.URL.Path, "/zone/"), time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Write([]byte(text + "\n"))
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	http.HandleFunc("/zone/", answer)
	log.Printf("listening on http://%s/zone/UTC", *listen)
	log.Fatal(http.ListenAndServe(*listen, nil))
}
