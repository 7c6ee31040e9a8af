package promptprint

import (
	"os"
	"strings"
	"sync"
	"testing"
)

func TestAStoreAnswersManyGoroutines(t *testing.T) {
	store := os.Getenv("PROMPTPRINT_STORE")
	if store == "" {
		t.Skip("PROMPTPRINT_STORE names no store")
	}
	reader, err := Open(Options{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	writer, err := reader.NewWriter(Group)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"messages":[{"role":"user","content":"A question that several goroutines ask at the same time."}]}`)
	var wait sync.WaitGroup
	for range [50]struct{}{} {
		wait.Add(1)
		go func() {
			defer wait.Done()
			verdict, err := writer.Observe(body, "", "gopher")
			if err != nil || len(verdict.Fingerprint) != 32 || !verdict.Recorded || verdict.Advice != "allow" {
				t.Errorf("%+v %v", verdict, err)
			}
		}()
	}
	wait.Wait()
	verdict, err := writer.Observe(body, "", "gopher")
	if err != nil || !verdict.Exact || verdict.RequestsSeen != 50 || verdict.AccountsSeen != 1 {
		t.Fatalf("%+v %v", verdict, err)
	}
	if err := writer.Commit(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
}

func TestAMissingStoreAnswersUnknown(t *testing.T) {
	reader, err := Open(Options{Store: "/nonexistent/store"})
	if err != nil {
		t.Fatal(err)
	}
	verdict, err := reader.Query([]byte("x"))
	if err != nil || !verdict.Degraded || verdict.Near {
		t.Fatalf("%+v %v", verdict, err)
	}
	if _, err := reader.NewWriter(Buffered); err == nil || !strings.Contains(err.Error(), "key") {
		t.Fatal(err)
	}
}
