// Command go-service is a small address shortener over HTTP.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/go-service/internal/shortener"
)

func main() {
	check := flag.Bool("healthcheck", false, "ask the running service for its health, and exit 0 or 1")
	flag.Parse()
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	if *check {
		if err := healthcheck(port); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := serve(port); err != nil {
		log.Fatal(err)
	}
}

// healthcheck stands in for curl: an image made from scratch holds nothing but this program.
func healthcheck(port string) error {
	client := http.Client{Timeout: 2 * time.Second}
	response, err := client.Get("http://127.0.0.1:" + port + "/health")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("unhealthy: %s", response.Status)
	}
	return nil
}

func serve(port string) error {
	server := &http.Server{
		Addr:              ":" + port,
		Handler:           routes(shortener.NewStore()),
		ReadHeaderTimeout: 5 * time.Second,
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		log.Printf("listening on %s", server.Addr)
		failed <- server.ListenAndServe()
	}()
	select {
	case err := <-failed:
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	case <-stop.Done():
		grace, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		return server.Shutdown(grace)
	}
}
