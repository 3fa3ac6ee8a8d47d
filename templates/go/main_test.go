package main

import (
	"testing"
	"time"
)

func TestTimeIn(t *testing.T) {
	got, err := timeIn("UTC", time.Unix(0, 0))
	if err != nil || got != "00:00 UTC" {
		t.Fatalf("got %q, %v", got, err)
	}
	if _, err := timeIn("Nowhere/Land", time.Unix(0, 0)); err == nil {
		t.Fatal("a zone that is none was found")
	}
}
