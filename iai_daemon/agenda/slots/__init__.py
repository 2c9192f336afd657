"""The calendar: what a backend plans is carried out through recalls, and told back."""
