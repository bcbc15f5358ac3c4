-- A transaction that somebody has left open holds up the departure of whomever it has touched: HR's statement waits for it.
DO $$
BEGIN
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = %L', pg_catalog.current_database(), '5min');
END $$;
