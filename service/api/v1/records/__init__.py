"""What is stored of people: subjects, sessions, questionnaires, events, trends; and the models."""
