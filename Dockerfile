# docker build -t inception .
# docker run --rm -p 8000:8000 -v "$PWD/models:/models:ro" inception
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /inception ./cmd/inception

# No shell and no package manager; the certificates of authorities are there, for downloads.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /inception /inception
# Weights of tags are downloaded to below the home folder: mount a volume to keep them.
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["/inception"]
CMD ["serve", "/models", "--http", ":8000", "--log-format", "json", "--drain-delay", "5s"]
