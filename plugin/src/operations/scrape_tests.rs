//! `scrape_endpoint` and `federate`: what is asked, what is told, and what is done with it.
