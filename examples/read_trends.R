# Read a subject's trends and the timeline of the newest session into data frames.
#
#   FERPHQ_TOKEN=... Rscript examples/read_trends.R http://127.0.0.1:8600 SUBJECT_ID
#
# Needs R 4.1 or newer with httr2, jsonlite and arrow: install.packages(c("httr2", "jsonlite", "arrow")).
# The token needs the scope "read" (fer-phq tokens create script --user "Dr M" --scope read); without accounts there
# is none. An expression is not a feeling, an estimate of a model is not a score of a person, and nothing here is a
# diagnosis.

library(httr2)

EMOTIONS <- c("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")

# Ask the server. Where it is busy (503) the request is sent again after the pause that it names; an error is a problem
# (RFC 9457) whose sentence and code are shown.
ask <- function(url, path, ...) {
  token <- Sys.getenv("FERPHQ_TOKEN")
  query <- request(url) |>
    req_url_path(path) |>
    req_url_query(...) |>
    req_retry(max_tries = 4, is_transient = \(answer) resp_status(answer) == 503) |>
    req_error(body = \(answer) {
      problem <- resp_body_json(answer, check_type = FALSE)
      paste0(problem$detail, " (", problem$code, ")")
    })
  if (nzchar(token)) query <- req_auth_bearer_token(query, token)
  req_perform(query)
}

# What was not measured is null in JSON and NA here.
number <- function(value) if (is.null(value)) NA_real_ else as.numeric(value)
text <- function(value) if (is.null(value)) NA_character_ else as.character(value)

# A row for each analysed session, oldest first. Without an estimate, phq_reason says why there is none.
read_trends <- function(url, subject_id) {
  trends <- resp_body_json(ask(url, sprintf("/v1/subjects/%s/trends", subject_id)))
  for (note in trends$notes) message(note$detail)
  rows <- lapply(trends$sessions, function(session) {
    shares <- setNames(lapply(EMOTIONS, \(emotion) number(session$emotions[[emotion]])), EMOTIONS)
    data.frame(
      session_id = session$session_id,
      analysis_id = session$analysis_id,
      recorded_at = as.POSIXct(session$recorded_at, format = "%Y-%m-%dT%H:%M:%OSZ", tz = "UTC"),
      model_id = session$model_id,
      coverage = number(session$coverage),
      shares,
      phq_score = number(session$phq$score),
      phq_low = number(session$phq$low),
      phq_high = number(session$phq$high),
      phq_level = number(session$phq$level),
      phq_scale = text(session$phq$scale),
      phq_provenance = text(session$phq$provenance),
      phq_reason = text(session$phq$reason)
    )
  })
  do.call(rbind, rows)
}

# A row for each sampled frame; a gap is a row of NA. A row stands for duration_s seconds. What holds for the whole
# table, such as model_id, is in the schema's metadata.
read_timeline <- function(url, analysis_id) {
  answer <- ask(url, sprintf("/v1/analyses/%s/timeline", analysis_id), format = "arrow")
  table <- arrow::read_ipc_stream(resp_body_raw(answer), as_data_frame = FALSE)
  message("Model ", table$metadata$model_id, ", ", table$metadata$time_base, ".")
  as.data.frame(table)
}

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 2) stop("Write the server's address and the subject's id.")
trends <- read_trends(arguments[1], arguments[2])
print(trends)
if (!is.null(trends)) {
  timeline <- read_timeline(arguments[1], tail(trends$analysis_id, 1))
  seen <- timeline[!is.na(timeline$anger), ]
  # Shares are sums over time, not means over rows.
  shares <- colSums(seen[EMOTIONS] * seen$duration_s) / sum(seen$duration_s)
  cat(sprintf("\nNewest session, %d frames, face seen for %.1f s\n", nrow(timeline), sum(seen$duration_s)))
  print(round(shares, 3))
}
