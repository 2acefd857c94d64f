"""From influence values to intervals, tests, corrected families and sample sizes."""
