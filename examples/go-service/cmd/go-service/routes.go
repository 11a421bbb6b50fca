package main

import (
	"encoding/json"
	"log"
	"net/http"

	"github.com/gorilla/mux"

	"example.com/go-service/internal/shortener"
)

// largestBody bounds what a client may send, in bytes.
const largestBody = 16 << 10

func routes(store *shortener.Store) http.Handler {
	router := mux.NewRouter()
	router.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	}).Methods(http.MethodGet)
	router.HandleFunc("/names", func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Address string `json:"address"`
		}
		body := http.MaxBytesReader(w, r.Body, largestBody)
		if err := json.NewDecoder(body).Decode(&request); err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		name, err := store.Shorten(request.Address)
		if err != nil {
			answer(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusCreated, map[string]string{"name": name})
	}).Methods(http.MethodPost)
	router.HandleFunc("/{name:[A-Za-z0-9_-]{8}}", func(w http.ResponseWriter, r *http.Request) {
		address, found := store.Lookup(mux.Vars(r)["name"])
		if !found {
			answer(w, http.StatusNotFound, map[string]string{"error": "no such name"})
			return
		}
		http.Redirect(w, r, address, http.StatusFound)
	}).Methods(http.MethodGet)
	return router
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Printf("writing the answer: %v", err)
	}
}
